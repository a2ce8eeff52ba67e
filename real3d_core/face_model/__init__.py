"""Face model: mesh topology, canonical face, blendshapes."""
