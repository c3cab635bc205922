cwlVersion: v1.2
class: Workflow
label: The most frequent words of several texts, and of all of them
requirements:
  ScatterFeatureRequirement: {}
inputs:
  texts: File[]
  most:
    type: int
    doc: How many words to report.
    default: 5
steps:
  count:
    label: Count the words of one text
    scatter: text
    in: {text: texts}
    out: [counts]
    run:
      class: CommandLineTool
      baseCommand: sh
      inputs:
        program:
          type: File
          default: {class: File, location: count.sh}
          inputBinding: {position: 1}
        text:
          type: File
          inputBinding: {position: 2}
      outputs:
        counts: stdout
      stdout: $(inputs.text.nameroot).counts
  merge:
    label: Add the counts of all texts
    in: {counts: count/counts, most: most}
    out: [frequent]
    run:
      class: CommandLineTool
      baseCommand: sh
      inputs:
        program:
          type: File
          default: {class: File, location: merge.sh}
          inputBinding: {position: 1}
        most:
          type: int
          inputBinding: {position: 2}
        counts:
          type: File[]
          inputBinding: {position: 3}
      outputs:
        frequent: stdout
      stdout: frequent.txt
outputs:
  counts:
    type: File[]
    outputSource: count/counts
  frequent:
    type: File
    outputSource: merge/frequent
