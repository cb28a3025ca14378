"""From a pool, a target and a budget to the backbone to use, with the proof."""
