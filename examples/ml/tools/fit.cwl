cwlVersion: v1.2
class: CommandLineTool
label: Train one network
baseCommand: [python3, -B]
arguments: [$(inputs.script), fit, $(inputs.table), variant.json, $(inputs.seed)]
requirements:
  SchemaDefRequirement:
    types: [{$import: ../types.yml}]
  EnvVarRequirement:
    envDef: {OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1"}
  InitialWorkDirRequirement:
    listing:
      - entryname: variant.json
        entry: $(inputs.variant)
hints:
  ResourceRequirement: {coresMin: 1, ramMin: 256}
  SoftwareRequirement:
    packages:
      scikit-learn: {version: [">=1.4"], specs: ["https://pypi.org/project/scikit-learn/"]}
inputs:
  table: File
  variant: ../types.yml#variant
  seed: int
  script:
    type: File
    default: {class: File, location: ../scripts/network.py}
outputs:
  model:
    type: File
    doc: Weights and biases, as arrays of NumPy.
    outputBinding: {glob: model.npz}
