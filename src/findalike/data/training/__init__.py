"""What feeds a training: data sets, batches, pictures. Needs torch for its last two.

``images``, ``reading``     rows of a recipe's sources to images that are there
``mixture``                 several sets as one, with numbers for images and labels
``samplers``                which images make each batch
``augment``, ``cutout``     what happens to a picture
``dataset``, ``loader``     pictures as tensors, read by workers

Import from the modules: nothing here is loaded before it is needed.
"""
