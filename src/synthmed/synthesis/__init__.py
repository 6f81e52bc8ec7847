"""The verbs on datasets: generate, and what shows and marks the images that it makes."""
