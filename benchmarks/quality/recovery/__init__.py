"""Can what a simulated world hides be found again from the data that its shop sees?"""
