cwlVersion: v1.2
class: Workflow
label: Train and judge one network
requirements:
  SchemaDefRequirement:
    types: [{$import: types.yml}]
inputs:
  train: File
  test: File
  variant: types.yml#variant
  seed: int
steps:
  fit:
    run: tools/fit.cwl
    in: {table: train, variant: variant, seed: seed}
    out: [model]
  judge:
    run: tools/judge.cwl
    in: {model: fit/model, table: test, variant: variant}
    out: [score]
outputs:
  model: {type: File, outputSource: fit/model}
  score: {type: File, outputSource: judge/score}
