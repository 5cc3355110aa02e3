/** Names of regions (GB/T 2260 codes; suffixed codes are local functional zones) and of the domains. */

interface Name {
  zh: string;
  en: string;
}

export const REGIONS: Record<string, Name> = {
  "441500": { zh: "市直", en: "City-run" },
  "441502": { zh: "城区", en: "Chengqu" },
  "441502-HHW": { zh: "红海湾经济开发区", en: "Honghaiwan zone" },
  "441521": { zh: "海丰县", en: "Haifeng" },
  "441523": { zh: "陆河县", en: "Luhe" },
  "441581": { zh: "陆丰市", en: "Lufeng" },
};

export const DOMAINS: Record<string, Name> = {
  meteorology: { zh: "气象", en: "Weather" },
  flood_drought: { zh: "水旱灾害", en: "Flood, drought" },
  marine: { zh: "海洋灾害", en: "Marine" },
  earthquake: { zh: "地震", en: "Earthquake" },
  geological: { zh: "地质灾害", en: "Geological" },
  forest_fire: { zh: "森林火灾", en: "Forest fire" },
  hazardous_chemicals: { zh: "危险化学品", en: "Haz. chemicals" },
  non_coal_mines: { zh: "非煤矿山", en: "Mines" },
  industry_trade: { zh: "工贸", en: "Industry" },
  construction: { zh: "建设工地", en: "Construction" },
  maritime: { zh: "海上交通与渔业", en: "Maritime" },
  traffic_tourism: { zh: "交通与旅游", en: "Traffic, tourism" },
  urban_fire: { zh: "城市消防", en: "Urban fire" },
  lifelines: { zh: "城市生命线", en: "Lifelines" },
  ecology: { zh: "生态环境", en: "Ecology" },
};
