"""What will happen, with intervals. Rooms here take tables and settings, and never import each other."""
