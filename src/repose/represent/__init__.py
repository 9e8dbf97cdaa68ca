"""What a person looks like to a network: heatmaps, canvases, parsing maps, and the files that keypoints come in."""
