cwlVersion: v1.2
class: CommandLineTool
label: Train one model
baseCommand: [python3, -B, train.py, configuration.json]
requirements:
  SchemaDefRequirement:
    types: [{$import: ../types.yml}]
  InitialWorkDirRequirement:
    listing:
      - $(inputs.scripts)
      - entryname: configuration.json
        entry: $(inputs.configuration)
hints:
  ResourceRequirement: {coresMin: 1, ramMin: 128}
inputs:
  configuration: ../types.yml#configuration
  table:
    type: File
    inputBinding: {position: 1}
  scripts:
    type: File[]
    default:
      - {class: File, location: ../scripts/train.py}
      - {class: File, location: ../scripts/models.py}
      - {class: File, location: ../scripts/tables.py}
outputs:
  model:
    type: File
    outputBinding: {glob: model.json}
