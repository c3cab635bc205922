cwlVersion: v1.2
class: CommandLineTool
label: Say which system a container has
doc: |
  Runs in the image debian:stable-slim, without network, with docker or podman, whichever is
  there.
requirements:
  DockerRequirement: {dockerPull: "docker.io/debian:stable-slim"}
  NetworkAccess: {networkAccess: false}
baseCommand: [cat, /etc/os-release]
inputs: []
outputs:
  release: stdout
stdout: os-release.txt
