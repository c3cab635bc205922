cwlVersion: v1.2
class: CommandLineTool
label: Score one model on animals that it has not seen
baseCommand: [python3, -B, score.py]
requirements:
  InitialWorkDirRequirement:
    listing: [$(inputs.scripts)]
hints:
  ResourceRequirement: {coresMin: 1, ramMin: 128}
inputs:
  model:
    type: File
    inputBinding: {position: 1}
  table:
    type: File
    inputBinding: {position: 2}
  fold:
    type: string
    inputBinding: {position: 3}
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/score.py}
      - {class: File, location: ../scripts/models.py}
      - {class: File, location: ../scripts/tables.py}
outputs:
  score:
    type: File
    outputBinding: {glob: score.json}
