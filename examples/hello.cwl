cwlVersion: v1.2
class: CommandLineTool
label: Greet somebody
baseCommand: [echo, Hello]
inputs:
  name:
    type: string
    default: world
    inputBinding: {position: 1}
outputs:
  greeting: stdout
stdout: greeting.txt
