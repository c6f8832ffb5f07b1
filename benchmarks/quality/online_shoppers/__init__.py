"""Will a session buy? UCI Online Shoppers, also where the later months are another world."""
