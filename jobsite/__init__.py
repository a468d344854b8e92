"""The Django project: the apps put together, the embedded servers, the demo. Nothing imports it."""
