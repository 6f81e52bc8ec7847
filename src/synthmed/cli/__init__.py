"""The command line, one file a verb; each verb loads what it needs when it is run."""
