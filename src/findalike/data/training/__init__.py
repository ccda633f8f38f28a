"""What feeds a training: data sets, batches, pictures. Needs torch for the last two lines.

``images``, ``reading``     rows of a recipe's sources to images that are there
``mixture``                 several sets as one, with numbers for images and labels
``samplers``                which images make each batch
``prints``                  what tells that two pictures are the same
``cutout``, ``paste``       products cut out of plain grounds and laid on clutter
``augment``                 all that happens to a picture, in order
``dataset``                 pictures as tensors

Import from the modules: nothing here is loaded before it is needed.
"""
