"""What runs inside the jail's processes. Standard library only, and no import of the package: start-up counts.

The files are read from their directory (``launch.START``), not imported as ``ouroboros_data.programs.inside``.
"""
