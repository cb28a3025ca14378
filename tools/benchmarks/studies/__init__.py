"""Studies: trainings on real images, beside controls, with tables of the results."""
