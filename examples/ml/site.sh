#!/bin/sh
# What jobs need to find scikit-learn on the clusters of the testbed. On yours this may be: module load python
export PYTHONPATH=/scratch/python
{{ streamflow_command }}
