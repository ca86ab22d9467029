"""Apache Libcloud driver for SlipStream and Nuvla."""
