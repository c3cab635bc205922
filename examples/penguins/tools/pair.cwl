cwlVersion: v1.2
class: ExpressionTool
label: Put the training and the test set of each fold side by side
requirements:
  InlineJavascriptRequirement: {}
inputs:
  train: File[]
  test: File[]
outputs:
  folds:
    type:
      type: array
      items:
        type: record
        name: fold
        fields:
          name: string
          train: File
          test: File
expression: |
  ${
    return {folds: inputs.train.map(function (train, index) {
      return {name: train.basename.split(".")[0], train: train, test: inputs.test[index]};
    })};
  }
