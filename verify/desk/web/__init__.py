"""The page of the desk over HTTP, on this machine's own address unless asked otherwise."""
