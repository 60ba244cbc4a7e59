"""Google's v1beta wire: requests in, replies and errors out."""
