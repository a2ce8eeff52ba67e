"""What stands in for ComfyUI when there is none: node schemas, folders, videos, core nodes and an executor.

The nodes of this pack run unchanged on either; only nodes/host.py chooses. `run_workflow.py` and the tests
use what is here.
"""
