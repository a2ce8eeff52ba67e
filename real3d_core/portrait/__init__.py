"""Photo -> Portrait: face landmarks, crop, mattes, layers, segmentation (docs/model.md, "Load Portrait").

`prepare.prepare_portrait` is the stage; `nets.load_face_nets` and `read_photo.read_photo` give it its inputs.
Importing this package imports nothing else.
"""
