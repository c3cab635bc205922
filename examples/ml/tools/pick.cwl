cwlVersion: v1.2
class: CommandLineTool
label: Pick the best network
baseCommand: [python3, -B]
arguments: [$(inputs.script)]
inputs:
  models:
    type: File[]
    inputBinding: {position: 1}
  scores:
    type: File[]
    inputBinding: {position: 2}
  script:
    type: File
    default: {class: File, location: ../scripts/pick.py}
outputs:
  best:
    type: File
    outputBinding: {glob: best.npz}
  leaderboard:
    type: File
    outputBinding: {glob: leaderboard.csv}
