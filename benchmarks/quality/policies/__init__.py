"""What do policies earn in the frozen worlds, and do they earn nothing where there is nothing to earn?"""
