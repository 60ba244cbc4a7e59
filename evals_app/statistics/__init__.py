"""Pure statistics: what the reports need, small enough to read, checked against scipy and statsmodels."""
