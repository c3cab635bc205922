cwlVersion: v1.2
class: Workflow
label: A workflow in which one job of a scatter fails, on purpose
doc: |
  The number 0 cannot be divided by. What needs the result is not started, what does not need
  it is finished, and the report names the cause.
requirements:
  ScatterFeatureRequirement: {}
inputs:
  numbers:
    type: int[]
    default: [4, 2, 0, 1]
steps:
  divide:
    scatter: number
    in: {number: numbers}
    out: [quotient]
    run:
      class: CommandLineTool
      baseCommand: sh
      inputs:
        program:
          type: File
          default: {class: File, location: divide.sh}
          inputBinding: {position: 1}
        number:
          type: int
          inputBinding: {position: 2}
      outputs:
        quotient: stdout
      stdout: quotient.txt
  add:
    in: {quotients: divide/quotient}
    out: [sum]
    run:
      class: CommandLineTool
      baseCommand: [awk, "{ sum += $1 } END { print sum }"]
      inputs:
        quotients:
          type: File[]
          inputBinding: {position: 1}
      outputs:
        sum: stdout
      stdout: sum.txt
outputs:
  sum:
    type: File
    outputSource: add/sum
