"""The front end for the Common Workflow Language."""
