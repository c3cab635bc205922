cwlVersion: v1.2
class: CommandLineTool
label: Draw the accuracy of each configuration
baseCommand: [python3, -B, figure.py]
requirements:
  InitialWorkDirRequirement:
    listing: [$(inputs.scripts)]
inputs:
  summary:
    type: File
    inputBinding: {position: 1}
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/figure.py}
      - {class: File, location: ../scripts/tables.py}
outputs:
  figure:
    type: File
    outputBinding: {glob: accuracy.svg}
