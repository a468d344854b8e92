"""The demo: data to look at, receivers to send to, and the journey that checks it all."""
