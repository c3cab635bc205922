cwlVersion: v1.2
class: CommandLineTool
label: Judge one network
baseCommand: [python3, -B, judge.py]
arguments: [$(inputs.model), $(inputs.table), variant.json]
requirements:
  SchemaDefRequirement:
    types: [{$import: ../types.yml}]
  EnvVarRequirement:
    envDef: {OPENBLAS_NUM_THREADS: "1", OMP_NUM_THREADS: "1"}
  InitialWorkDirRequirement:
    listing:
      - $(inputs.scripts)
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
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/judge.py}
      - {class: File, location: ../scripts/fit.py}
outputs:
  score:
    type: File
    outputBinding: {glob: score.json}
