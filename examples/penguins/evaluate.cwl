cwlVersion: v1.2
class: Workflow
label: Train one model on one fold and score it
requirements:
  StepInputExpressionRequirement: {}
  SchemaDefRequirement:
    types: [{$import: types.yml}]
inputs:
  configuration: types.yml#configuration
  fold:
    type:
      type: record
      name: fold
      fields:
        name: string
        train: File
        test: File
steps:
  train:
    run: tools/train.cwl
    in:
      configuration: configuration
      table: {source: fold, valueFrom: $(self.train)}
    out: [model]
  score:
    run: tools/score.cwl
    in:
      model: train/model
      table: {source: fold, valueFrom: $(self.test)}
      fold: {source: fold, valueFrom: $(self.name)}
    out: [score]
outputs:
  score:
    type: File
    outputSource: score/score
