cwlVersion: v1.2
class: CommandLineTool
label: Keep the complete rows and the columns that are needed
doc: Rows with a missing measurement (NA) are left out.
baseCommand: [awk, "-F,"]
requirements:
  InlineJavascriptRequirement: {}
inputs:
  columns:
    type: string[]
    doc: The columns to keep, in their new order.
    inputBinding: {position: 1, prefix: -v, valueFrom: "wanted=$(self.join(','))"}
  program:
    type: File
    default: {class: File, location: ../scripts/clean.awk}
    inputBinding: {position: 2, prefix: -f}
  table:
    type: File
    doc: A CSV file whose first line names the columns.
    inputBinding: {position: 3}
outputs:
  complete:
    type: stdout
stdout: complete.csv
