"""Past records of several raters become one score a project and year, with an interval."""
