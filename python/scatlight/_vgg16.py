"""The structure of VGG-16."""

# The width and number of the convolutions before each pooling.
VGG16_GROUPS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
VGG16_GRID = 7  # the first affine layer reads 7 x 7 means of each map
VGG16_HIDDEN = 4096  # outputs of the affine layers before the last
