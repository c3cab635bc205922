cwlVersion: v1.2
class: CommandLineTool
label: Judge one network
baseCommand: [python3, -B]
arguments: [$(inputs.script), judge, $(inputs.model), $(inputs.table), variant.json]
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
  SoftwareRequirement:
    packages:
      scikit-learn: {version: [">=1.4"], specs: ["https://pypi.org/project/scikit-learn/"]}
inputs:
  model: File
  table: File
  variant: ../types.yml#variant
  script:
    type: File
    default: {class: File, location: ../scripts/network.py}
outputs:
  score:
    type: File
    outputBinding: {glob: score.json}
