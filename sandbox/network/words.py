"""The words that the network is made of: places, brands, kinds of assets, and what people write."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where partners are."""

    region: str
    timezone: str
    locale: str
    cluster: str
    city: str
    weight: float


PLACES = (
    Place("DE-BY", "Europe/Berlin", "de-DE", "DACH", "München", 5),
    Place("DE", "Europe/Berlin", "de-DE", "DACH", "Hamburg", 5),
    Place("AT", "Europe/Vienna", "de-AT", "DACH", "Graz", 2),
    Place("CH", "Europe/Zurich", "de-CH", "DACH", "Basel", 2),
    Place("FR", "Europe/Paris", "fr-FR", "WEU", "Lyon", 5),
    Place("BE", "Europe/Brussels", "fr-BE", "WEU", "Liège", 2),
    Place("NL", "Europe/Amsterdam", "nl-NL", "WEU", "Utrecht", 2),
    Place("ES", "Europe/Madrid", "es-ES", "IBERIA", "Valencia", 4),
    Place("ES-CN", "Atlantic/Canary", "es-ES", "IBERIA", "Las Palmas", 1),
    Place("PT", "Europe/Lisbon", "pt-PT", "IBERIA", "Porto", 2),
    Place("GB", "Europe/London", "en-GB", "UKIE", "Bristol", 5),
    Place("IE", "Europe/Dublin", "en-IE", "UKIE", "Cork", 2),
    Place("US-CA", "America/Los_Angeles", "en-US", "NAM", "Sacramento", 5),
    Place("US-TX", "America/Chicago", "en-US", "NAM", "Austin", 5),
    Place("US-NY", "America/New_York", "en-US", "NAM", "Buffalo", 3),
    Place("US-AZ", "America/Phoenix", "en-US", "NAM", "Tucson", 2),
    Place("CA-QC", "America/Toronto", "fr-CA", "NAM", "Québec", 2),
    Place("BR", "America/Sao_Paulo", "pt-BR", "LATAM", "Curitiba", 3),
    Place("CL", "America/Santiago", "es-CL", "LATAM", "Valparaíso", 2),
    Place("MX", "America/Mexico_City", "es-MX", "LATAM", "Puebla", 2),
    Place("JP", "Asia/Tokyo", "ja-JP", "APAC", "Osaka", 3),
    Place("AU-NSW", "Australia/Sydney", "en-AU", "APAC", "Newcastle", 2),
    Place("AU-QLD", "Australia/Brisbane", "en-AU", "APAC", "Cairns", 1),
    Place("IN", "Asia/Kolkata", "en-IN", "APAC", "Pune", 2),
    Place("NZ", "Pacific/Auckland", "en-NZ", "APAC", "Nelson", 1),
)

CLUSTERS = ("DACH", "WEU", "IBERIA", "UKIE", "NAM", "LATAM", "APAC")
CLUSTER_LOCALE = {
    "DACH": "de-DE", "WEU": "fr-FR", "IBERIA": "es-ES", "UKIE": "en-GB", "NAM": "en-US", "LATAM": "es-MX",
    "APAC": "en-AU",
}  # fmt: skip

FAMILY_NAMES = (
    "Lindenhof", "Castellan", "Northgate", "Bellamar", "Rosewood", "Kestrel", "Altstadt", "Riviera", "Harbour & Sons",
    "Mirador", "Falkenstein", "Old Mill", "Saltmarsh", "Sierra Alta", "Brightwater", "Three Oaks", "Montclair",
    "Calderon", "Hinterland", "Westquay", "Grünwald", "Palmeira", "Sakura", "Coralbay", "Fernhill", "Duval", "Kowhai",
    "Marigold", "Steinbach", "Ridgeline", "Ortega", "Lakeside", "Vasquez", "Hollybush", "Almeida", "Copperfield",
    "Tanaka", "Deshpande", "Laurent", "Blackthorn",
)  # fmt: skip
TRADES = {
    "de": ("Getränke GmbH", "Getränkehandel KG", "Markt eG", "Weinkontor GmbH"),
    "fr": ("Boissons SARL", "Distribution SAS", "Épicerie Fine", "Négoce SA"),
    "es": ("Bebidas S.L.", "Distribuciones S.A.", "Mayorista", "Supermercados"),
    "pt": ("Bebidas Lda.", "Distribuidora S.A.", "Mercados", "Comércio"),
    "nl": ("Dranken B.V.", "Groothandel B.V."),
    "ja": ("Beverage K.K.", "Shoji K.K.", "Liquors"),
    "en": ("Beverage Distributors", "Wholesale Ltd", "Drinks Co.", "Markets Inc.", "Beverages LLC", "Provisions"),
}
PEOPLE = (
    "Anna Keller", "Tom Briggs", "Lucía Romero", "Hélène Marchand", "Yuki Sato", "Priya Nair", "João Prado",
    "Ingrid Voss", "Marcus Reed", "Sofie Jansen", "Diego Fuentes", "Claire Dubois", "Ben Hartley", "Aroha Ngata",
    "Ravi Kulkarni", "Elena Moser", "Grace Holt", "Pieter de Wit", "Camila Rocha", "Kenji Mori",
)  # fmt: skip
DESK = ("m.ostrowski", "j.fairweather", "r.delacroix", "s.lindqvist")

BRANDS = (
    ("ALP", "Alpenglow", "mixers"), ("COR", "Corvina Reserve", "wine"), ("TID", "Tidewrack Gin", "spirits"),
    ("HUM", "Hummingbird Cold Brew", "coffee drinks"), ("ORC", "Orchard Lane", "cider"),
    ("SOL", "Solera Vieja", "spirits"), ("ZEN", "Zenkai Yuzu", "soft drinks"), ("NOR", "Nordlys", "water"),
    ("EMB", "Emberwood Rye", "spirits"), ("PAL", "Paloma Roja", "ready to drink"),
    ("MAR", "Marsh & Elder", "cordials"), ("KIT", "Kite Street", "beer"),
)  # fmt: skip
PRODUCTS = (
    ("Dry Tonic", "200 ml"), ("Original", "500 ml"), ("Reserve", "700 ml"), ("Zero", "330 ml"),
    ("Elderflower", "750 ml"), ("Spiced", "700 ml"), ("Classic", "1 l"), ("Blood Orange", "330 ml"),
)  # fmt: skip
CAMPAIGNS = (
    "Summer Terrace",
    "Harvest Table",
    "Winter Lights",
    "Spring Awakening",
    "Match Day",
    "Golden Hour",
    "New Year Toast",
)

CHANGES = {
    "product_image": ("Bottle shot with the new label", "Retouched reflections; neutral background", "New cap colour"),
    "campaign_kit": (
        "Key visual replaced",
        "Claims wording cleared by legal",
        "Added shelf-talker formats",
        "New end date",
    ),
    "price_list": ("Prices of the new quarter", "Deposit corrected", "Two items delisted", "Excise duty updated"),
    "allergen_sheet": ("Sulphites now declared", "Recipe change: barley removed", "Trace warning for nuts added"),
    "safety_sheet": (
        "Section 2 reclassified",
        "New emergency number",
        "Storage temperature corrected",
        "Revised to REACH Annex II",
    ),
    "logo": ("Clear-space rule enlarged", "Monochrome variant added", "Registered mark added"),
}
REPLACING = {
    "product_image": "Replace the image in web shops and print files; delete the old file from your media store.",
    "campaign_kit": "Stop using printed material of the old kit when the stock is used up, screens at once.",
    "price_list": "Load the new list before opening on the effective date; quotes already given stay valid.",
    "allergen_sheet": "Replace the sheet at every point of sale, and destroy printed copies of the old one.",
    "safety_sheet": "Pass the new sheet on to all sites that store the product, and file the old one as obsolete.",
    "logo": "Use the new logo in everything you produce from now on.",
}
GUIDANCE = {
    "product_image": "For trade communication about the product. No cropping into the label.",
    "campaign_kit": "Only within the campaign's dates and regions. Age gate required online.",
    "price_list": "Confidential. For your buyers only.",
    "allergen_sheet": "To be handed out to consumers on request, unchanged.",
    "safety_sheet": "To be kept available to staff at all times.",
    "logo": "As the brand manual says; not smaller than 12 mm.",
}
WITHDRAWALS = (
    "Wrong recipe on the sheet",
    "Claim not cleared for this market",
    "Wrong price in line 14",
    "Rights of the photographer expired",
)
FORMATS = {
    "product_image": "png", "campaign_kit": "zip", "price_list": "xlsx", "allergen_sheet": "pdf",
    "safety_sheet": "pdf", "logo": "svg",
}  # fmt: skip
TITLES = {
    "product_image": "bottle shot", "allergen_sheet": "allergen sheet", "safety_sheet": "safety data sheet",
    "price_list": "price list", "campaign_kit": "campaign kit", "logo": "logo set",
}  # fmt: skip
COMMENTS = (
    "Got it, our web team will swap it next week.", "Is the old one still fine for printed stock?", "Thanks!",
    "Can we have it in our language too?", "Our system cannot open the file, please check.", "Merci, bien reçu.",
    "Danke, ist weitergeleitet.", "Recibido, gracias.", "Who is the contact for questions about this?",
)  # fmt: skip
DECLINES = (
    "We no longer list this product.",
    "Our legal department has to look at it first.",
    "Not applicable to our stores.",
)
EXCEPTIONS = ("We need four more weeks to use up printed stock.", "Our ERP freeze lasts until the end of the month.")
PURPOSES = (
    "Web shop relaunch",
    "Tender documents",
    "Store opening",
    "Seasonal catalogue",
    "Audit by a customer",
    "Menu reprint",
)
ISSUE_TEXTS = {
    "missing": "The file is listed, but the download is empty.",
    "outdated": "This still shows the old recipe; is there a newer one?",
    "wrong_format": "We need CMYK, this is RGB.",
    "wrong_territory": "This shows the warning label of another market.",
    "corrupt": "The archive cannot be unpacked.",
    "other": "The price in line 14 does not match the contract.",
}
DENIALS = (
    "You are not entitled to this asset.",
    "There is no approved version.",
    "Not cleared for your region.",
    "The query fits several assets.",
)
DENIALS_BY_HAND = ("We do not hand this out this quarter.", "Please ask your account manager.")
NONE_OF_THESE = (
    "The newest one, please.",
    "The one that we had last year.",
    "Not these; the one with the green label.",
)
NOT_WHAT_WE_NEED = ("This is not what we need.", "Our printer cannot use it.", "This is the file that we had before.")
ASKS_AGAIN = (
    "Our contract says otherwise; please look again.",
    "Another branch of ours has it.",
    "We need it all the same.",
)
ASKS_ABOUT_RIGHTS = ("Does that hold for our web shop too?", "Since when is that so?", "Thank you, noted.")
ASIDES = (
    "Internal: {other} ({id}) complains of the same; not a word of it before legal has answered.",
    "Internal: margin talks with {other} ({id}) are on, so keep it short.",
    "Internal: they are behind with payments. {other} ({id}) pays in time.",
    "Internal: marketing says {other} ({id}) gets it first; let them wait.",
)
