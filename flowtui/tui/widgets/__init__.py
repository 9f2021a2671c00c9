"""Line-API widgets and one-line parts that the screens are made of."""
