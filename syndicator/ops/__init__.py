"""What an operator asks: check, doctor, status, disk space."""
