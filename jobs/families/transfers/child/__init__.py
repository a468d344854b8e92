"""The process that reads files: limited, and without database or network."""
