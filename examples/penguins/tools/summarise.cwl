cwlVersion: v1.2
class: CommandLineTool
label: Bring all scores together
baseCommand: [python3, -B, summarise.py]
requirements:
  InitialWorkDirRequirement:
    listing: [$(inputs.scripts)]
inputs:
  scores:
    type: File[]
    inputBinding: {position: 1}
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/summarise.py}
      - {class: File, location: ../scripts/tables.py}
outputs:
  results:
    type: File
    outputBinding: {glob: results.csv}
  summary:
    type: File
    outputBinding: {glob: summary.json}
