"""EF.CardAccess, EF.CardSecurity and EF.SOD, and the structures in them."""
