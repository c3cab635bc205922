cwlVersion: v1.2
class: ExpressionTool
label: Take the best configuration out of the summary
requirements:
  InlineJavascriptRequirement: {}
  SchemaDefRequirement:
    types: [{$import: ../types.yml}]
inputs:
  summary:
    type: File
    loadContents: true
outputs:
  configuration: ../types.yml#configuration
  accuracy: float
expression: |
  ${
    var best = JSON.parse(inputs.summary.contents)[0];
    return {configuration: best.configuration, accuracy: best.accuracy};
  }
