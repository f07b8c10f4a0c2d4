"""One upstream call and the layers around it."""
