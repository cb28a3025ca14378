"""From which numbers on images are enough, or a reason to say something."""

#: Images of a pool that the smallest training takes, a batch.
LEAST_POOL = 64
#: Images to train on: with fewer, five folds of them tell nothing.
LEAST_TRAIN = 8
#: Images to test on: with fewer, no difference could be seen.
LEAST_TEST = 8
#: Images of a class that a drawn test part has at most, unless ``TEST_IMAGES`` are
#: not reached.
TEST_A_CLASS = 100
#: Images that a drawn test part has if classes are few and large: then the standard
#: error of a share is 1.6 points at most.
TEST_IMAGES = 1000
#: Images to test on that are compared with others by their pixels (0.5 GB).
MOST_COMPARED = 10_000
#: Short side, pixels, below which an image is very small.
SMALL_SIDE = 32
#: Training images of the largest class to one of the smallest: very uneven.
UNEVEN = 20
