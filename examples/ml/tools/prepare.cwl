cwlVersion: v1.2
class: CommandLineTool
label: Make a table to learn from and one to judge by
baseCommand: [python3, -B]
arguments: [$(inputs.script), $(inputs.table), $(inputs.seed), $(inputs.share)]
inputs:
  table: File
  seed: int
  share: {type: float, doc: The part of the animals that is kept for the judgement.}
  script:
    type: File
    default: {class: File, location: ../scripts/prepare.py}
outputs:
  train:
    type: File
    outputBinding: {glob: train.csv}
  test:
    type: File
    outputBinding: {glob: test.csv}
