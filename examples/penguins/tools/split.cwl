cwlVersion: v1.2
class: CommandLineTool
label: Split a table into folds
baseCommand: [python3, -B, split.py]
requirements:
  InitialWorkDirRequirement:
    listing: [$(inputs.scripts)]
inputs:
  table:
    type: File
    inputBinding: {position: 1}
  folds:
    type: int
    inputBinding: {position: 2}
  seed:
    type: int
    inputBinding: {position: 3}
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/split.py}
      - {class: File, location: ../scripts/tables.py}
outputs:
  train:
    type: File[]
    outputBinding: {glob: "fold-*.train.csv"}
  test:
    type: File[]
    outputBinding: {glob: "fold-*.test.csv"}
