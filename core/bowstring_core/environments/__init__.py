"""What makes runtime environments: packages of files, and virtual environments. Runs in processes of its own."""
