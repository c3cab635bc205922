cwlVersion: v1.2
class: CommandLineTool
label: Write the results as a table to read
baseCommand: sh
inputs:
  program:
    type: File
    default: {class: File, location: ../scripts/report.sh}
    inputBinding: {position: 1}
  results:
    type: File
    inputBinding: {position: 2}
outputs:
  report:
    type: stdout
stdout: report.txt
